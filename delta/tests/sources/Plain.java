import java.io.*;
import java.util.*;

/** What Java 7 can say. */
public class Plain<T extends Comparable<T>> implements Iterable<T> {
    enum Color { RED, GREEN { @Override int weight() { return 2; } }, BLUE; int weight() { return 1; } }
    interface Visitor<R> { R visit(Plain<?> plain) throws IOException; }
    static final long BIG = 123456789012345L;
    static final float RATIO = 2.5e10f;
    private transient volatile int count;
    private final List<T> items = new ArrayList<>();
    /* change */

    public Iterator<T> iterator() {
        return new Iterator<T>() {
            int at = count;
            public boolean hasNext() { return at < items.size(); }
            public T next() { return items.get(at++); }
            public void remove() { throw new UnsupportedOperationException(); }
        };
    }

    class Inner { int outer() { return count + items.size(); } }

    @Deprecated
    static String read(File file, String mode) throws IOException {
        try (Reader reader = new FileReader(file); StringWriter out = new StringWriter()) {
            switch (mode) { case "one": out.write(reader.read()); break; case "two": out.write("two"); break; default: }
            return out.toString();
        } catch (FileNotFoundException | IllegalStateException e) {
            throw new IOException("cannot read " + file, e);
        } finally {
            System.out.println(BIG + RATIO);
        }
    }

    int weigh(Color color, int n) {
        synchronized (items) {
            switch (color) { case RED: return 1; case BLUE: return 0b101; default: }
        }
        switch (n) { case 1: return 5; case 1000: return 6; case -7_000: return 9; default: return color.weight(); }
    }

    strictfp double wide(long[][] grid, Object o) {
        double sum = 0; for (long[] row : grid) { for (long cell : row) { sum += cell * 0.1 + (o instanceof Long ? (Long) o : 0L); } }
        return sum;
    }
}
