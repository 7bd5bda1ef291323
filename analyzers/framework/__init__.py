"""What every analyzer shares: findings, declared inputs, running, suppression, output formats."""
