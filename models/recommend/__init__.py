"""Recommendations: models that learn from each interaction, and their evaluation.

One interface (`recommender.py`), one catalogue; the models know items and histories, and no users.
"""
