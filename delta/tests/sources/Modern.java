import java.util.*;

/** What Java 17 can say: records, sealed types, patterns, switch expressions, text blocks. */
public sealed interface Modern permits Modern.Dot, Modern.Circle {
    record Dot() implements Modern {}
    record Circle(double radius, List<String> names) implements Modern {
        public Circle { if (radius < 0) { throw new IllegalArgumentException("radius " + radius); } }
    }
    /* change */

    static String describe(Object o) {
        if (o instanceof Circle c && c.radius() > 1) { return c.names() + " of " + c.radius(); }
        return switch (String.valueOf(o)) {
            case "a", "b" -> "early";
            case "z" -> { var late = new StringBuilder("late"); yield late.reverse().toString(); }
            default -> """
                neither
                  "%s"
                """.formatted(o);
        };
    }
    private static int nested(int n) { class Local { int twice() { return n * 2; } } return new Local().twice(); }
}
