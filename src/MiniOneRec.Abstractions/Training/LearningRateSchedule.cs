namespace MiniOneRec;

/// <summary>Names the ways in which the learning rate changes after warm-up, in every trainer.</summary>
public enum LearningRateSchedule
{
    /// <summary>The rate stays.</summary>
    Constant,

    /// <summary>Half a cosine down to the floor, or to 0 where a trainer has none.</summary>
    Cosine,

    /// <summary>A straight line down to the floor, or to 0 where a trainer has none.</summary>
    Linear,
}
