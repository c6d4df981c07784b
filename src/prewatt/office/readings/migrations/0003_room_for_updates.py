"""On PostgreSQL, leave room in each page of the latest states: a new state then stays beside the old one (HOT)."""

from django.db import migrations


def leave_room(apps, schema_editor):
    """Half of each page stays free for the next versions of its rows."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE readings_meterstate SET (fillfactor = 50)", params=None)


class Migration(migrations.Migration):
    dependencies = [("readings", "0002_without_rowid")]
    operations = [migrations.RunPython(leave_room, migrations.RunPython.noop)]
