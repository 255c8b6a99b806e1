"""What is said: findings, tables, where a run came from, and the page that they stand on."""
