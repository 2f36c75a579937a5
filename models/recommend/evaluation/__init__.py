"""How good recommendations are: four protocols, all items ranked, cold users and items apart."""
