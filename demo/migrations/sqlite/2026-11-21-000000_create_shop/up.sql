-- What the shop is about, without any sessions: users, products, orders.
-- Prices are in cents. An order keeps the prices of its day.

CREATE TABLE users (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL,
    -- Argon2id, as a PHC string.
    password_hash TEXT NOT NULL,
    is_operator   BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT users_name_key UNIQUE (name)
);

CREATE TABLE products (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    -- Which picture the server draws.
    picture     TEXT NOT NULL,
    description TEXT NOT NULL,
    price       INTEGER NOT NULL,
    CONSTRAINT products_picture_key UNIQUE (picture)
);

CREATE TABLE orders (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id   INTEGER NOT NULL,
    placed_at TIMESTAMP NOT NULL,
    total     INTEGER NOT NULL,
    CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE order_lines (
    order_id   INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    quantity   INTEGER NOT NULL,
    price      INTEGER NOT NULL,
    CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, product_id),
    CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT order_lines_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
);

CREATE INDEX orders_user_id_idx ON orders (user_id);

INSERT INTO products (name, picture, description, price) VALUES
    ('Mug', 'mug', 'Holds 35 cl, and your morning.', 1450),
    ('Soup bowl', 'bowl', 'Deep enough for seconds.', 1650),
    ('Dinner plate', 'plate', 'Glazed on both sides, 27 cm across.', 1850),
    ('Teapot', 'teapot', 'Pours four cups and does not drip.', 4900),
    ('Milk jug', 'jug', 'A spout that knows when to stop.', 1980),
    ('Bud vase', 'vase', 'One stem, or three small ones.', 2250),
    ('Egg cup', 'egg', 'Fits large eggs and large appetites.', 780),
    ('Candlestick', 'candle', 'Heavy foot, takes ordinary candles.', 2600),
    ('Plant pot', 'plant', 'With a saucer that catches the water.', 2950),
    ('Butter dish', 'butter', 'Half a pound, under a lid.', 3200);
