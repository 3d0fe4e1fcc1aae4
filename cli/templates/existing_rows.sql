-- The rows that are there become sessions that nobody can open: each gets a random {{ c.uuid.text() }} that belongs to no token.
-- {{ c.last_seen_at.text() }} 1970-01-01 tells them from sessions.
{%- if keeps %}
-- Their {{ c.expires_at.text() }} is 9999-12-31, so that no purge deletes them: they are yours. They are listed and counted like live sessions;
-- delete them when you need them no more. With `--existing-rows purge` the first purge deletes them.
-- A sign-out of their owner or of everyone (revoke_all, `diesel-sessions revoke --owner` or `--everyone`) deletes them as well: it
-- cannot tell them from that owner's sessions. Where they matter, keep sessions in a table of their own.
{%- else %}
-- Their {{ c.expires_at.text() }} is 1970-01-01, as `--existing-rows purge` asked: the first purge deletes them.
{%- endif %}
-- The defaults do the same for rows that are inserted by code which knows nothing of sessions. Sessions are written without them.
