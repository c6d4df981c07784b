"""The database refuses to change or delete what proves a delivery."""

from django.db import migrations

from prewatt.office.operators.guards import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("vending", "0001_initial"), ("operators", "0001_initial")]
    operations = [
        AppendOnly("vending_creditevent"),
        AppendOnly("vending_attempt"),
        AppendOnly("vending_observation"),
        AppendOnly("vending_receipt"),
    ]
