"""What is thought of facts; nothing is judged anywhere else."""
