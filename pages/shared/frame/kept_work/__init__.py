"""What a visitor has made outlives a reload and a server: kept in memory, and on the disk."""
