-- Adds the columns of diesel-sessions to {{ table }}. SQLite has one writer at a time: others wait until it is done.
--
{% include "existing_rows.sql" %}
--
-- Times are UTC text with six decimals, '2026-11-21 09:30:00.000000', so that they sort as they compare; the CHECKs
-- keep other spellings out. JSON is TEXT, since `diesel print-schema` does not know a column declared JSON.
{% for column in added %}
-- {{ column.comment }}.
ALTER TABLE {{ table }} ADD COLUMN {{ column.name }} {{ column.definition }}{{ column.check }};
{%- endfor %}
{%- if let Some(owner) = owner %}
-- Whose session it is.
ALTER TABLE {{ table }} ADD COLUMN {{ owner.column }} {{ owner.sql_type }}
{%- if let Some(users) = owner.references %} REFERENCES {{ users.table }} ({{ users.key }}) ON DELETE {{ users.on_delete }}{% endif %};
{%- endif %}

UPDATE {{ table }} SET {{ c.uuid }} = {{ random_uuid }};
CREATE UNIQUE INDEX {{ table.with("_uuid_key") }} ON {{ table }} ({{ c.uuid }});
CREATE UNIQUE INDEX {{ table.with("_previous_uuid_key") }} ON {{ table }} ({{ c.previous_uuid }});
CREATE INDEX {{ table.with("_expires_at_idx") }} ON {{ table }} ({{ c.expires_at }});
{%- if let Some(index) = owner_index %}
CREATE INDEX {{ index.name }} ON {{ table }} ({{ index.column }}, {{ c.id }});
{%- endif %}

CREATE TRIGGER {{ table.with("_insert_uuid") }} AFTER INSERT ON {{ table }} WHEN NEW.{{ c.uuid }} = ''
BEGIN
    UPDATE {{ table }} SET {{ c.uuid }} = {{ random_uuid }} WHERE {{ c.id }} = NEW.{{ c.id }};
END;
{%- if let Some(attributes) = attributes %}

{% include "sqlite/attributes.sql" %}
{%- endif %}
