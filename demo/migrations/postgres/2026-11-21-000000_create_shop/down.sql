-- Drops the shop's tables. The sessions, which refer to the users, are gone by then.

DROP TABLE order_lines;
DROP TABLE orders;
DROP TABLE products;
DROP TABLE users;
