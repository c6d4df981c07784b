"""The database refuses to change or delete what was posted."""

from django.db import migrations

from prewatt.office.operators.guards import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("operators", "0001_initial")]
    operations = [AppendOnly("ledger_transaction"), AppendOnly("ledger_entry")]
