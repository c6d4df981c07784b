"""A frame counts as fruitless only when the head-end that got its permit read that nothing changed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vending", "0002_append_only")]
    operations = [
        migrations.AddField("creditorder", "fruitless", models.PositiveIntegerField(default=0)),
        migrations.AddField("creditorder", "permit_token", models.BigIntegerField(null=True)),
    ]
