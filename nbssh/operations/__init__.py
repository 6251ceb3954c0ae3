"""What the commands do: each module puts the pure core and the adapters together for one job."""
