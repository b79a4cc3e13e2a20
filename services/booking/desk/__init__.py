"""What staff do at the desk: book by hand, move, block, and say who came (screens, staff 2)."""
