// The customers' door.
export {}
