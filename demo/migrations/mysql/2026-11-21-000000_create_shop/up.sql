-- What the shop is about, without any sessions: users, products, orders.
-- Prices are in cents. An order keeps the prices of its day.

CREATE TABLE users (
    id            BIGINT  NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name          VARCHAR(100) NOT NULL,
    -- Argon2id, as a PHC string.
    password_hash TEXT NOT NULL,
    is_operator   BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT users_name_key UNIQUE (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE products (
    id          BIGINT  NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name        VARCHAR(100) NOT NULL,
    -- Which picture the server draws.
    picture     VARCHAR(100) NOT NULL,
    description TEXT NOT NULL,
    price       INTEGER NOT NULL,
    CONSTRAINT products_picture_key UNIQUE (picture)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE orders (
    id        BIGINT  NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id   BIGINT NOT NULL,
    placed_at DATETIME(6) NOT NULL,
    total     INTEGER NOT NULL,
    CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE order_lines (
    order_id   BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    quantity   INTEGER NOT NULL,
    price      INTEGER NOT NULL,
    CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, product_id),
    CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT order_lines_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

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
