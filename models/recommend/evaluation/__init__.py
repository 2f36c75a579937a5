"""How good recommendations are: three protocols, all items ranked, cold users and items apart."""
