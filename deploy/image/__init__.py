"""What the roles of the image run (deploy/entrypoint.sh)."""
