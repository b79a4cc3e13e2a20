"""Django's own connection to Postgres, but for what a request asks of it first."""
