"""Pictures of an evaluation: figures, frames of mistakes, and the page report.html."""
