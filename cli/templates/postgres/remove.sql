-- Takes the columns of diesel-sessions away again{% if attributes.is_some() %}, with the table of attributes{% endif %}. Signs everyone out; the rows stay, those of sessions too.

{% if let Some(attributes) = attributes -%}
DROP TABLE {{ attributes }};
{% endif -%}
ALTER TABLE {{ table }}
    RESET (fillfactor)
{%- for column in added %},
    DROP COLUMN {{ column.name }}
{%- endfor %}
{%- if let Some(owner) = owner %},
    DROP COLUMN {{ owner.column }}
{%- endif %};
