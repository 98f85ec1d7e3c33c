"""What workers do to the process that they live in; each test runs programs of its own."""
