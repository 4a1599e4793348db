"""How Alembic runs the migrations: in the transaction that `database.open_database` has begun."""

from alembic import context

from maml_core.classroom.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot change a table in place
)
context.run_migrations()
