package demo

import kotlin.properties.Delegates

data class Note(val text: String, val tags: List<String> = emptyList())

sealed class Shape {
    object Dot : Shape()
    class Circle(val radius: Double) : Shape()
}

inline fun <reified T> only(all: List<Any>): List<T> = all.filterIsInstance<T>()

class Book {
    /* change */
    var title: String by Delegates.observable("untitled") { _, old, new -> println("$old -> $new") }

    suspend fun load(n: Int): Int {
        val first = twice(n)
        return first + twice(first)
    }

    private suspend fun twice(n: Int) = n * 2

    fun area(shape: Shape) = when (shape) {
        is Shape.Dot -> 0.0
        is Shape.Circle -> Math.PI * shape.radius * shape.radius
    }

    companion object {
        const val SHELF = "shelf"
        @JvmStatic fun named(name: String?) = name?.length ?: SHELF.length
    }
}

fun main() {
    val note = Note("a")
    println(note.copy(text = "b"))
    println(only<String>(listOf(1, "a")).map { it + Book.named(null) })
}
