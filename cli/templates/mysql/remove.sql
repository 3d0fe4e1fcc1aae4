-- Takes the columns of diesel-sessions away again{% if attributes.is_some() %}, with the table of attributes{% endif %}. Signs everyone out; the rows stay, those of sessions too.

{% if let Some(attributes) = attributes -%}
DROP TABLE {{ attributes }};
{% endif -%}
{% if let Some(owner) = owner -%}
{% if owner.references.is_some() -%}
ALTER TABLE {{ table }} DROP FOREIGN KEY {{ owner.key }};
{% endif -%}
{% endif -%}
ALTER TABLE {{ table }}
    DROP INDEX {{ table.with("_uuid_key") }},
    DROP INDEX {{ table.with("_previous_uuid_key") }},
    DROP INDEX {{ table.with("_expires_at_idx") }}
{%- if let Some(index) = owner_index %},
    DROP INDEX {{ index.name }}
{%- endif %}
{%- for column in added %},
    DROP COLUMN {{ column.name }}
{%- endfor %}
{%- if let Some(owner) = owner %},
    DROP COLUMN {{ owner.column }}
{%- endif %};
