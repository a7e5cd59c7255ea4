"""Where HTTP/1 is carried message by message: the sibling of relay."""
