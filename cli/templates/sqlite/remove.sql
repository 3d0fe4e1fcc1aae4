-- Takes the columns of diesel-sessions away again{% if attributes.is_some() %}, with the table of attributes{% endif %}. Signs everyone out; the rows stay, those of sessions too.

{% if let Some(attributes) = attributes -%}
DROP TRIGGER {{ table.with("_delete_attributes") }};
DROP TABLE {{ attributes }};
{% endif -%}
DROP TRIGGER {{ table.with("_insert_uuid") }};
DROP INDEX {{ table.with("_uuid_key") }};
DROP INDEX {{ table.with("_previous_uuid_key") }};
DROP INDEX {{ table.with("_expires_at_idx") }};
{%- if let Some(index) = owner_index %}
DROP INDEX {{ index.name }};
{%- endif %}
{%- for column in added %}
ALTER TABLE {{ table }} DROP COLUMN {{ column.name }};
{%- endfor %}
{%- if let Some(owner) = owner %}
ALTER TABLE {{ table }} DROP COLUMN {{ owner.column }};
{%- endif %}
