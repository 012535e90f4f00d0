"""Rules that judge facts; nothing is judged anywhere else."""
