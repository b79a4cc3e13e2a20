"""The table of the cache (django.core.cache.backends.db), as createcachetable would make it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("identity", "0002_sign_in_with_eid")]

    operations = [
        migrations.RunSQL(
            sql="""
            CREATE TABLE identity_cache (
                cache_key varchar(255) NOT NULL PRIMARY KEY,
                value text NOT NULL,
                expires timestamp with time zone NOT NULL
            );
            CREATE INDEX identity_cache_expires ON identity_cache (expires);
            """,
            reverse_sql="DROP TABLE identity_cache",
        )
    ]
