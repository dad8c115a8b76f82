package demo

case class Note(text: String, tags: List[String] = Nil)

sealed trait Shape
case object Dot extends Shape
case class Circle(radius: Double) extends Shape

trait Shelf[+A] {
  def items: Seq[A]
  lazy val count: Int = items.size
  implicit class Loud(text: String) { def loud: String = text.toUpperCase + "!" }
}

object Main extends Shelf[Note] {
  /* change */
  def items = Vector(Note("a"), Note("b", List("c")))

  def area(shape: Shape) = shape match {
    case Dot => 0.0
    case Circle(radius) if radius > 1 => math.Pi * radius * radius
    case _ => 1.0
  }

  def main(args: Array[String]): Unit = {
    val pairs = for (a <- items; b <- items if a != b) yield (a.text.loud, b)
    println(pairs.map { case (text, Note(other, _)) => s"$text $other $count" })
    try args(3) catch { case e: ArrayIndexOutOfBoundsException => println(e) }
  }
}
