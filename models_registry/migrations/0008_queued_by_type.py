from django.db import migrations, models

from models_registry.db.concurrent_indexes import AddIndexMeanwhile, RemoveIndexMeanwhile


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('models_registry', '0007_trainings_of_versions'),
    ]

    # The new ones first: no moment is without one that claims and sweeps can use.
    operations = [
        AddIndexMeanwhile(
            model_name='job',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['dispatch', 'due_at'], name='job_due_by_dispatch'),
        ),
        AddIndexMeanwhile(
            model_name='job',
            index=models.Index(condition=models.Q(('dispatch', 'queued')), fields=['job_type', 'due_at'], name='job_queued'),
        ),
        RemoveIndexMeanwhile(
            model_name='job',
            name='job_due',
        ),
    ]
