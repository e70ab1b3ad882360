// The till's door.
export {}
