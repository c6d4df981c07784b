"""How gateways are protected. Those that are there keep being read: their networks were taken for private so far."""

from django.db import migrations, models


def as_before(apps, _editor):
    gateways = apps.get_model("estate", "Gateway").objects
    gateways.exclude(kind="serial").exclude(kind="prewatt").update(private_network=True)
    gateways.filter(kind="prewatt").update(secure="tls")


class Migration(migrations.Migration):
    dependencies = [("estate", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name='gateway',
            name='private_network',
            field=models.BooleanField(default=False, verbose_name='private network'),
        ),
        migrations.AddField(
            model_name='gateway',
            name='secure',
            field=models.CharField(choices=[('tls', 'TLS 1.3'), ('3des', 'triple-DES records'), ('clear', 'clear')], default='clear', max_length=5, verbose_name='protection'),
        ),
        migrations.AddField(
            model_name='gateway',
            name='secure_until',
            field=models.DateField(blank=True, null=True, verbose_name='triple DES until'),
        ),
        migrations.AddField(
            model_name='site',
            name='private_networks',
            field=models.CharField(blank=True, default='127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 fc00::/7 fe80::/10', max_length=400, verbose_name='private networks'),
        ),
        migrations.RunPython(as_before, migrations.RunPython.noop),
    ]
