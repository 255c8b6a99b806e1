"""What is drawn: charts as SVG, pictures as a description that a page or a file is made from."""
