using MiniOneRec.Training;

namespace MiniOneRec.Reinforcement;

/// <summary>Does one step of the training of a policy: takes examples, finds gradients and updates the weights.</summary>
internal interface IPolicyStep
{
    /// <summary>Gets or sets β, the only thing that a step hands on to the next; 0 where there is none.</summary>
    double KlWeight
    {
        get => 0;
        set
        {
        }
    }

    /// <summary>Takes a step.</summary>
    /// <param name="step">Number and learning rate of the step.</param>
    PolicyOutcome Run(StepContext step);
}
