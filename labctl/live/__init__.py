"""What is to be seen of a run while it goes on: rows, a bar with time to go, a picture; nothing here can hold a run up."""
