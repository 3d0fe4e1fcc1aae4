{% if attributes.is_some() %}-- Drops both tables with their indices. Signs everyone out.
{%- else %}-- Drops the table with its indices. Signs everyone out.{% endif %}
{%- if let Some(attributes) = attributes %}

DROP TABLE {{ attributes }};
{%- else %}
{% endif %}
DROP TABLE {{ table }};
