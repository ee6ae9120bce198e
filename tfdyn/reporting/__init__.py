"""Reports of runs: pictures and tables in one HTML file."""
