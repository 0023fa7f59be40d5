"""Tables of the database, as migrations from one version to the next.

Version N is reached by the first N scripts. A script that was published is never changed: a new
one is appended.
"""

# "LKBK", in the header of every database of ours.
APPLICATION_ID = 0x4C4B424B

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        camera TEXT NOT NULL,
        label TEXT NOT NULL,
        started REAL NOT NULL,
        confirmed REAL,
        ended REAL,
        duration REAL,
        peak REAL NOT NULL,
        mean REAL,
        still TEXT,
        silent INTEGER NOT NULL DEFAULT 0,
        verdict TEXT,
        corrected_label TEXT,
        seen REAL NOT NULL
    );
    CREATE INDEX events_started ON events (started);
    CREATE INDEX events_open ON events (id) WHERE ended IS NULL;

    CREATE TABLE recordings (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id INTEGER NOT NULL,
        part INTEGER NOT NULL,
        path TEXT NOT NULL UNIQUE,
        started REAL NOT NULL,
        ended REAL,
        bytes INTEGER NOT NULL DEFAULT 0,
        complete INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX recordings_event ON recordings (event_id, part);

    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id INTEGER,
        camera TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('start', 'end', 'lost', 'back', 'digest', 'test')),
        target TEXT NOT NULL,
        subject TEXT NOT NULL,
        body TEXT NOT NULL,
        attachment TEXT,
        created REAL NOT NULL,
        due REAL NOT NULL,
        scheduled REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'sent', 'digested', 'given_up')),
        sent REAL,
        error TEXT
    );
    CREATE UNIQUE INDEX outbox_once ON outbox (event_id, kind, target) WHERE event_id IS NOT NULL;
    CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';

    CREATE TABLE corrections (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id INTEGER,
        camera TEXT NOT NULL,
        label TEXT NOT NULL,
        started REAL NOT NULL,
        ended REAL NOT NULL,
        clip TEXT,
        created REAL NOT NULL,
        used INTEGER NOT NULL DEFAULT 0
    );

    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
)
