/** From Java 9 on. */
module sample {
    requires java.logging;
    uses java.util.function.Supplier;
}
