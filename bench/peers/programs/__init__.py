"""What runs in the environments of the peers. Nothing else of this project is installed there."""
