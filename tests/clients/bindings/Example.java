// sqlite-art from Java's sqlite-jdbc: java -cp sqlite-jdbc.jar Example.java <art.so> <database>

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.sqlite.SQLiteConfig;

class Example {
    static Connection db;

    static PreparedStatement prepare(String sql, Object... values) throws SQLException {
        PreparedStatement statement = db.prepareStatement(sql);
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
        return statement;
    }

    static void execute(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = prepare(sql, values)) {
            statement.execute();
        }
    }

    /** The rows of a query, each as its columns with blanks between them; "-" for NULL. */
    static void print(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = prepare(sql, values); ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                StringBuilder line = new StringBuilder();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    String text = rows.getString(i);
                    line.append(i > 1 ? " " : "").append(text == null ? "-" : text);
                }
                System.out.println(line);
            }
        }
    }

    public static void main(String[] arguments) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.enableLoadExtension(true);
        db = config.createConnection("jdbc:sqlite:" + arguments[1]);
        execute("SELECT load_extension(?)", arguments[0]);
        print("SELECT format('SQLite %s, art %s', sqlite_version(), art_version())");

        execute("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)");

        // Many rows: in one transaction.
        db.setAutoCommit(false);
        try (PreparedStatement insert = db.prepareStatement("INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)")) {
            for (int i = 0; i < 1000; i++) {
                insert.setString(1, String.format("photos/%d/%04d.jpg", 2023 + i / 250, i));
                insert.setLong(2, 1000L * i);
                insert.setLong(3, 1700000000L + i);
                insert.addBatch();
            }
            insert.executeBatch();
        }
        execute("INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)", "photos/[raw]/1.dng", 24000000, 1700001000);
        execute("INSERT INTO files(path, size, mtime) VALUES(?, ?, ?)", "photos/index.html", 2048, 1700001001);
        db.commit();
        db.setAutoCommit(true);
        execute("INSERT INTO files(files) VALUES('optimize')");
        print("SELECT count(*), 'rows' FROM files");

        // A prefix, as a pattern and as it is.
        print("SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2", "photos/2025/*");
        print("SELECT path, size FROM files(?)", "photos/[raw]/");

        // One level of the tree: a row for each file, and one for each directory with the number of files below it.
        print("SELECT path, entries FROM files(?, '/')", "photos/");

        // Compare and set: only who knows the row as it is may change it.
        long version;
        try (Statement statement = db.createStatement();
                ResultSet row = statement.executeQuery("SELECT row_version FROM files WHERE path = 'photos/index.html'")) {
            version = row.getLong(1);
        }
        int first, second;
        String sql = "UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?";
        try (PreparedStatement update = prepare(sql, "e1", version)) {
            first = update.executeUpdate();
        }
        try (PreparedStatement update = prepare(sql, "e2", version)) {
            second = update.executeUpdate();
        }
        System.out.printf("etag set: %d, with the old version: %d%n", first, second);

        byte[] blob = "photos/index.html".getBytes(StandardCharsets.UTF_8);
        for (Object path : new Object[] {"photos/index.html", blob}) {
            try {
                execute("INSERT INTO files(path) VALUES(?)", path);
            } catch (SQLException error) {
                // The driver's words for the code stand around SQLite's message.
                System.out.println(error.getMessage().replaceFirst("^\\[\\w+\\] [^(]*\\(((?s).*)\\)$", "$1"));
            }
        }
        db.close();
    }
}
