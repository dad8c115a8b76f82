import java.nio.file.*;
import java.util.*;
import javax.tools.ToolProvider;

/** Compiles folders of sources for every release that this JDK can make, in one JVM: SOURCES/RELEASE gets the classes. */
class CompileAll {
    public static void main(String[] folders) {
        int newest = Runtime.version().feature();
        for (String folder : folders) {
            // JDK 20 gave release 7 up.
            for (int release = newest >= 20 ? 8 : 7; release <= newest; release++) {
                compile(Path.of(folder), release);
            }
        }
    }

    private static void compile(Path folder, int release) {
        List<String> command = new ArrayList<>(List.of("-nowarn", "-g", "--release", "" + release));
        command.addAll(List.of("-d", folder.resolve("" + release).toString()));
        if (release >= 8) {
            command.add("-parameters");
        }
        Map<String, Integer> since = Map.of("Plain", 7, "Sample", 8, "module-info", 9, "Modern", 17);
        since.forEach((name, first) -> {
            if (release >= first) {
                command.add(folder.resolve(name + ".java").toString());
            }
        });
        if (ToolProvider.getSystemJavaCompiler().run(null, null, null, command.toArray(String[]::new)) != 0) {
            throw new AssertionError("release " + release + " of " + folder);
        }
    }
}
