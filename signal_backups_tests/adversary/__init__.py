"""What somebody who can write to the bucket may do, which layer sees it, and the page that says so."""
