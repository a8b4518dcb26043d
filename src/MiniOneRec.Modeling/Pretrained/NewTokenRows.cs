namespace MiniOneRec.Modeling;

/// <summary>Names where the rows of new tokens come from when <see cref="GenerativeRecommenderFactory"/> extends a pretrained model by the
/// codes.</summary>
public enum NewTokenRows
{
    /// <summary>From the titles of the items under a code (<c>ItemTextRows</c> of MiniOneRec.Pretrained); where there are no titles, as
    /// <see cref="Normal"/>.</summary>
    ItemText,

    /// <summary>Drawn with the mean and covariance of the known rows (<c>NormalRows</c>).</summary>
    Normal,

    /// <summary>The mean of the known rows with a little noise, as Hugging Face does (<c>NormalRows</c> with a covariance scaled by
    /// 1e-9).</summary>
    Mean,
}
