namespace MiniOneRec.Alignment;

/// <summary>Items that might stand at a position of a sequence, the likeliest first.</summary>
/// <param name="Rows">The items, as rows of the index.</param>
/// <param name="Scores">The evidence for each, above 0: about the number of times that it was seen to follow.</param>
internal sealed record TeacherGuesses(int[] Rows, float[] Scores)
{
    private readonly float _total = Scores.Sum();

    public static TeacherGuesses None { get; } = new([], []);

    /// <summary>Gets how much the guesses are worth together, 0 to 1.</summary>
    public float Confidence => ConfidenceOf(_total);

    public static float ConfidenceOf(float total) => total / (total + 1);

    /// <summary>Draws an item in proportion to its score.</summary>
    /// <param name="random">Draws once.</param>
    /// <returns>The row.</returns>
    public int Draw(Random random)
    {
        float left = (float)random.NextDouble() * _total;
        for (int i = 0; i < Rows.Length - 1; i++)
        {
            left -= Scores[i];
            if (left < 0)
            {
                return Rows[i];
            }
        }

        return Rows[^1];
    }
}
