"""What an operator of any cluster uses: commands, job submission, balance, dead letters, monitoring, privacy."""
