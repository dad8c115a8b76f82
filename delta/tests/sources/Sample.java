import java.lang.annotation.*;
import java.util.*;
import java.util.function.*;

/** What Java 8 adds: lambdas, method references, type annotations, default methods. */
public class Sample<T extends Comparable<T>> implements Runnable {
    @Retention(RetentionPolicy.RUNTIME) @Target({ElementType.TYPE_USE, ElementType.METHOD, ElementType.PARAMETER})
    @interface Marked { String value() default "x"; int[] numbers() default {1, 2}; Class<?> type() default Object.class; }
    enum Color { RED, GREEN, BLUE }
    interface Named { default String name() { return "named " + getClass(); } }
    static final long BIG = 123456789012345L;
    static final double RATIO = 2.5e10;
    private final Map<String, List<@Marked T>> map = new HashMap<>();
    /* change */

    @Marked(value = "run", numbers = {3, 4}) public void run() {
        Function<String, Integer> length = String::length;
        Supplier<Runnable> supplier = () -> () -> System.out.println(length.apply("hello") + BIG);
        supplier.get().run();
        for (Color color : Color.values()) {
            switch (color) { case RED: System.out.println(1); break; case BLUE: System.out.println(RATIO); break; default: }
        }
    }
    int choose(@Marked String name, int n) throws java.io.IOException {
        switch (name) { case "a": return 1; case "bb": return 22; default: }
        switch (n) { case 1: return 5; case 1000: return 6; case -7: return 9; default: }
        try { return Integer.parseInt(name); } catch (NumberFormatException e) { throw new java.io.IOException(e); }
        finally { map.clear(); }
    }
    String join(String... parts) {
        String all = "x" + parts.length + map + n();
        long[][] grid = new long[3][4];
        grid[1][2] = 5L;
        return all + grid[1][2];
    }
    int n() { int total = 0; for (int i = 0; i < 100_000; i++) { total += i; } return total; }
}
