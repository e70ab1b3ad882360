// The users' door.
export {}
