"""The store on PostgreSQL: what is said in other words there than in SQLite."""
