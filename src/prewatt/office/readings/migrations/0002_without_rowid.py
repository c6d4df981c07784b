"""On SQLite, keep readings in the order of their key: a month of a meter is then one run of pages."""

from django.db import migrations


def rebuild(apps, schema_editor):
    """The table is new and empty: make it again as Django described it, without the hidden row number."""
    if schema_editor.connection.vendor != "sqlite":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'readings_reading'")
        described = cursor.fetchone()[0]
    schema_editor.execute("DROP TABLE readings_reading", params=None)
    schema_editor.execute(described + " WITHOUT ROWID", params=None)


class Migration(migrations.Migration):
    dependencies = [("readings", "0001_initial")]
    operations = [migrations.RunPython(rebuild, migrations.RunPython.noop)]
